import type { ImageId } from "../../model/ids.ts";
import type { Image } from "../../model/image.ts";
import { EMPTY_CONFIG } from "./empty-config.ts";
import { platformOfHost } from "./platform.ts";

/** `FROM scratch`: what an image is made of that is made of nothing. */
export const SCRATCH: Omit<Image, "id"> & { readonly id: ImageId | "" } = {
  ...{ id: "", tags: [], digests: [], parent: "", comment: "", author: "", sizeBytes: 0, diffIds: [], history: [] },
  ...platformOfHost(),
  config: EMPTY_CONFIG,
};
