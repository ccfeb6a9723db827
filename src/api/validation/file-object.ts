import { refuseIf } from "./refuse.ts";
import { REFUSED_BY_MANAGER } from "./service-spec.ts";

/** @see moby swarmkit's limits. */
export const SECRET_BYTES_MAX = 500 * 1024;
export const CONFIG_BYTES_MAX = 1000 * 1024;
const NAME_CHARACTERS_MAX = 64;
const NAME = /^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$/;

/** A secret or a config as it is to be made. @throws OperationError `invalid`. */
export function checkFileObject(
  { name, data }: { readonly name: string; readonly data: Uint8Array },
  { what, bytesMax }: { readonly what: string; readonly bytesMax: number },
): void {
  refuseIf(name === "", `${REFUSED_BY_MANAGER}name must be provided`);
  refuseIf(
    name.length > NAME_CHARACTERS_MAX || !NAME.test(name),
    `${REFUSED_BY_MANAGER}invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]`,
  );
  checkFileData(data, { what, bytesMax });
}

/** @throws OperationError `invalid`. */
export function checkFileData(data: Uint8Array, { what, bytesMax }: { readonly what: string; readonly bytesMax: number }): void {
  refuseIf(
    data.byteLength === 0 || data.byteLength >= bytesMax,
    `${REFUSED_BY_MANAGER}${what} data must be larger than 0 and less than ${bytesMax} bytes`,
  );
}
