import { type CliContext, type Json, text } from "../context.ts";
import { registryAuth } from "./image-pull.ts";
import { withPath } from "./with-path.ts";

const IMAGE = ["TaskTemplate", "ContainerSpec", "Image"];

/** A tag where none was given. */
export function withDefaultTag(image: string): string {
  if (image === "") return image; // The daemon says what is wrong with that.
  return image.includes("@") || /:[^/]+$/.test(image) || /^[0-9a-f]{64}$/.test(image) ? image : `${image}:latest`;
}

export interface PinnedImage {
  readonly spec: Json;
  /** To be shown once the daemon has taken the spec; empty when all is well. */
  readonly warning: string;
}

/** The spec with its image pinned to a digest, so that every node runs the same; a warning where no registry can tell it. */
export async function withPinnedImage(cli: CliContext, spec: Json): Promise<PinnedImage> {
  const image = withDefaultTag(text(spec, ...IMAGE));
  if (image.includes("@")) return { spec: withPath(spec, IMAGE, image), warning: "" };
  try {
    const answer = await cli.client.json("GET", `/distribution/${image}/json`, { headers: await registryAuth(image) });
    const digest = text(answer as Json, "Descriptor", "digest");
    if (digest !== "") return { spec: withPath(spec, IMAGE, `${image}@${digest}`), warning: "" };
  } catch {
    // Told below: the service is created all the same.
  }
  const warning = `image ${image} could not be accessed on a registry to record\nits digest. Each node will access ${image} independently,\npossibly leading to different nodes running different\nversions of the image.\n\n`;
  return { spec: withPath(spec, IMAGE, image), warning };
}
