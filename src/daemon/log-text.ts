const LEVELS: Readonly<Record<number, string>> = { 20: "debug", 30: "info", 40: "warning", 50: "error", 60: "fatal" };
const PLAIN = /^[\w./:@+-]+$/;

/** One entry as dockerd's `--log-format text` has it: `time="…" level=info msg="…" key=value`. @param json - The entry as JSON. */
export function textLine(json: string): string {
  const { time, level, msg, program, pid: _, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const head = {
    time: new Date(Number(time)).toISOString(),
    level: LEVELS[Number(level)] ?? String(level),
    msg: typeof msg === "string" ? msg : "",
  };
  const parts = Object.entries({ ...head, ...fields, ...(program === "shoald" ? {} : { program }) });
  return `${parts.map(([name, value]) => `${name}=${shown(value, name)}`).join(" ")}\n`;
}

function shown(value: unknown, name: string): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return PLAIN.test(text) && name !== "time" && name !== "msg" ? text : JSON.stringify(text);
}
