import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import type { Image } from "../../model/image.ts";
import { type HostPlatform, parsePlatform } from "../images/platform.ts";
import { parseReference } from "../images/reference.ts";
import type { BuildOutput } from "./build-output.ts";
import type { BuildRequest } from "./build-request.ts";
import type { BuildImages } from "./effects.ts";

/** Images that a Dockerfile names, pulled where they are not here. */
export class BaseImages {
  readonly #images: BuildImages;
  readonly #output: BuildOutput;
  readonly #request: BuildRequest;

  constructor(parts: { readonly images: BuildImages; readonly output: BuildOutput; readonly request: BuildRequest }) {
    this.#images = parts.images;
    this.#output = parts.output;
    this.#request = parts.request;
  }

  /** @param platform - Empty: the build's, or any. @throws OperationError. */
  async get(name: string, platform = ""): Promise<Image> {
    const wanted = platform || this.#request.platform;
    const present = this.#request.pulls ? undefined : this.#find(name, wanted);
    return present ?? (await this.#pull(name, wanted));
  }

  #find(name: string, platform: string): Image | undefined {
    try {
      const image = this.#images.get(name);
      return platform === "" || fits(image, parsePlatform(platform)) ? image : undefined;
    } catch (error) {
      if (errorKind(error) === "not-found") return undefined;
      throw error;
    }
  }

  async #pull(name: string, platform: string): Promise<Image> {
    const { signal, authFor } = this.#request;
    const auth = authFor(parseReference(name).domain);
    const options = { platform, signal, ...(auth === undefined ? {} : { auth }) };
    for await (const message of this.#images.pull(name, options)) await this.#output.write(message);
    return this.#images.get(name);
  }
}

/** @throws OperationError `invalid`. */
export function checkedPlatform(text: string): string {
  if (text === "") return "";
  try {
    parsePlatform(text);
    return text;
  } catch (error) {
    throw new OperationError("invalid", `failed to parse platform ${text}: ${errorMessage(error)}`, { cause: error });
  }
}

function fits(image: Image, { os, architecture, variant }: HostPlatform): boolean {
  return image.os === os && image.architecture === architecture && (variant === "" || variant === image.variant);
}
