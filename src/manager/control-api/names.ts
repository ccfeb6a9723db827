import { rpcError } from "../rpc-error.ts";

const DNS_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?$/;
const DNS_NAME_CHARACTERS = 63;
const BLOB_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$/;
const BLOB_NAME_CHARACTERS = 64;

/** A service's or network's name. */
export function checkDnsName(name: string): void {
  if (name === "") throw rpcError("InvalidArgument", "meta: name must be provided");
  if (!DNS_NAME.test(name)) throw rpcError("InvalidArgument", "name must be valid as a DNS name component");
  if (name.length > DNS_NAME_CHARACTERS) throw rpcError("InvalidArgument", "name must be 63 characters or fewer");
}

/** A secret's or config's name. */
export function checkBlobName(name: string): void {
  if (name === "") throw rpcError("InvalidArgument", "name must be provided");
  if (name.length > BLOB_NAME_CHARACTERS || !BLOB_NAME.test(name)) {
    throw rpcError(
      "InvalidArgument",
      "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]",
    );
  }
}
