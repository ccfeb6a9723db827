import { fileKeyOf, OPTION_ENTRIES, REFUSED_OPTIONS } from "./options.ts";

/** Every option of dockerd's in Markdown: honoured, and how; or refused, and why. Kept in docs/daemon-options.md. */
export function optionsTable(): string {
  const honoured = OPTION_ENTRIES.map(([name, { kind, short, reload, note }]) => {
    const flag = short === undefined ? `--${name}` : `--${name}, -${short}`;
    const key = fileKeyOf(name);
    return row([code(flag), key === undefined ? "" : code(key), kind.words, RELOADS[reload ?? "no"], note ?? ""]);
  });
  const refused = Object.entries(REFUSED_OPTIONS).map(([name, { because, key = name }]) =>
    row([code(`--${name}`), code(key), because]),
  );
  return [
    "## Honoured",
    "",
    row(["flag", "key of daemon.json", "value", "taken over on SIGHUP", "remark"]),
    row(["---", "---", "---", "---", "---"]),
    ...honoured,
    "",
    "## Refused",
    "",
    "The daemon does not start with one of these.",
    "",
    row(["flag", "key of daemon.json", "why"]),
    row(["---", "---", "---"]),
    ...refused,
    "",
  ].join("\n");
}

const RELOADS = { kept: "yes; kept when the file no longer names it", reset: "yes; else its default", no: "" };

function code(text: string): string {
  return `\`${text}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
