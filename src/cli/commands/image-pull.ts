import type { CliContext } from "../context.ts";
import { printProgress } from "./image-progress.ts";

/** Has the daemon fetch an image; what it reports goes to stderr, where `run` and `create` print it. */
export async function pullImage(
  cli: CliContext,
  { image, platform, isQuiet }: { readonly image: string; readonly platform?: string | undefined; readonly isQuiet: boolean },
): Promise<void> {
  const { repository, tag } = splitReference(image);
  await printProgress(cli, {
    path: "/images/create",
    query: { fromImage: repository, tag, platform },
    headers: await registryAuth(image),
    print: line => {
      if (!isQuiet) cli.stderr(line);
    },
  });
}

/** Name and tag or digest, as the API takes them. */
export function splitReference(image: string): { readonly repository: string; readonly tag: string } {
  const digestAt = image.indexOf("@");
  if (digestAt >= 0) return { repository: image.slice(0, digestAt).replace(/:[^/:]*$/, ""), tag: image.slice(digestAt + 1) };
  const colonAt = image.lastIndexOf(":");
  if (colonAt < 0 || image.slice(colonAt).includes("/")) return { repository: image, tag: "latest" };
  return { repository: image.slice(0, colonAt), tag: image.slice(colonAt + 1) };
}

export async function registryAuth(image: string): Promise<Readonly<Record<string, string>>> {
  const { authHeader } = await import("./credentials.ts");
  return authHeader(image);
}
