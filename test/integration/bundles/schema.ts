import { readdirSync, readFileSync } from "node:fs";
import { default as draft04 } from "ajv-draft-04";

const Ajv = draft04.default;

/** The JSON schemas of the OCI runtime specification; where they come from is said beside them. */
const FOLDER = "test/fixtures/oci-schema";
/** Of other systems: no configuration here has anything of theirs. */
const FOREIGN = ["solaris", "vm", "windows", "zos"];

type Validate = ReturnType<InstanceType<typeof Ajv>["compile"]>;
let validate: Validate | undefined;

/** Where a runtime's configuration breaks the specification's schema. */
export function schemaViolations(config: unknown): readonly string[] {
  validate ??= compiled();
  if (validate(config) === true) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

function compiled(): Validate {
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  for (const name of readdirSync(FOLDER).filter(name => name.endsWith(".json"))) {
    ajv.addSchema(JSON.parse(readFileSync(`${FOLDER}/${name}`, "utf8")) as object, name);
  }
  for (const name of FOREIGN) ajv.addSchema({ [name]: { not: {} } }, `config-${name}.json`);
  const schema = ajv.getSchema("config-schema.json");
  if (schema === undefined) throw new Error("there is no schema of config.json");
  return schema as Validate;
}
