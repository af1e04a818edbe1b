// What mail programs don't support of an HTML file, by caniemail.com: `node caniemail.mjs FILE CLIENT…` prints JSON,
// {"title of the feature": ["client", …]}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [file, modules, ...clients] = process.argv.slice(2);
const require = createRequire(pathToFileURL(modules + "/"));
const { caniemail } = await import(pathToFileURL(require.resolve("caniemail")));
const { issues } = caniemail({ clients, html: readFileSync(file, "utf8") });
const found = {};
for (const kind of ["errors", "warnings"]) {
  for (const [client, list] of issues[kind]) {
    for (const { title } of list) (found[title] ??= []).push(`${client}${kind === "warnings" ? " (partly)" : ""}`);
  }
}
for (const title of Object.keys(found)) found[title] = [...new Set(found[title])].sort();
console.log(JSON.stringify(found, Object.keys(found).sort(), 1));
