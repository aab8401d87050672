// Judges Kubernetes objects by the published types and schemas of their kinds.
//
// Standard input: [{"name": ..., "object": ...}]; standard output: [{"name": ..., "problem": ...}]. TypeScript, which
// sees each object as a typed literal, finds fields that the kind does not have; the schemas' own validation finds what
// types cannot say, such as bounds and patterns. LGEN_MANIFEST_PACKAGES is where the packages are.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const packages = process.env.LGEN_MANIFEST_PACKAGES;
const modules = join(packages, "node_modules");
const ts = (await import(pathToFileURL(join(modules, "typescript/lib/typescript.js")).href)).default;
const ownTypes = join(dirname(fileURLToPath(import.meta.url)), "google_monitoring");

const packageOfGroup = {
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "networking.gke.io": "@kubernetes-models/gke",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

function moduleOf({ apiVersion, kind }) {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  if (group === "monitoring.googleapis.com") return ownTypes;
  return `${packageOfGroup[group] ?? "kubernetes-models"}/${apiVersion}/${kind}`;
}

// One declaration a line, so that a line says whose mistake it is.
function sourceOf(items) {
  return items.map(({ object }, i) =>
    `const m${i}: import(${JSON.stringify(moduleOf(object))}).I${object.kind} = ${JSON.stringify(object)}; void m${i};`
  ).join("\n") + "\nexport {};\n";
}

function typeProblems(items) {
  const name = join(packages, "manifests.ts");
  const text = sourceOf(items);
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ["lib.es2022.d.ts"],
    target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(file, text, options.target) : getSourceFile.call(host, file, ...rest);
  host.fileExists = (file) => file === name || fileExists.call(host, file);
  host.readFile = (file) => (file === name ? text : readFile.call(host, file));
  return ts.getPreEmitDiagnostics(ts.createProgram([name], options, host)).map((found) => ({
    name: found.file ? items[found.file.getLineAndCharacterOfPosition(found.start).line]?.name ?? found.file.fileName : "",
    problem: ts.flattenDiagnosticMessageText(found.messageText, " "),
  }));
}

async function schemaProblems({ name, object }) {
  const module = moduleOf(object);
  if (module === ownTypes) return [];
  try {
    const file = join(modules, module);
    const models = await import(pathToFileURL(file + (existsSync(file + ".mjs") ? ".mjs" : ".js")).href);
    new models[object.kind](object).validate();
    return [];
  } catch (error) {
    return [{ name, problem: String(error.message) }];
  }
}

const items = JSON.parse(readFileSync(0, "utf8"));
const found = typeProblems(items);
for (const item of items) found.push(...(await schemaProblems(item)));
process.stdout.write(JSON.stringify(found));
