import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/** What is typed at a terminal, without blanks around it. A secret is not echoed. */
export async function ask(question: string, { isSecret }: { readonly isSecret: boolean } = { isSecret: false }): Promise<string> {
  process.stdout.write(question);
  // What is typed is echoed by the output given here: a secret goes nowhere.
  const output = isSecret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stdout;
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  try {
    return (await lines.question("")).trim();
  } finally {
    lines.close();
    if (isSecret) process.stdout.write("\n");
  }
}

/** All of standard input, but for a line's end at its end. */
export async function readStdin(): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}
