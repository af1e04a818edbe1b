"""Pages and sections: inflow and outflow by stage."""
