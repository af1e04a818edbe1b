"""Pages and sections: conversion of all pairs."""
