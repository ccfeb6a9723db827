import { OperationError } from "../../lib/errors.ts";
import type { Image } from "../../model/image.ts";
import { familiarName, familiarReference, parseReference, type Reference, withDefaultTag } from "./reference.ts";

export interface ImageUser {
  /** Of the container. */
  readonly id: string;
  readonly isRunning: boolean;
}

export interface RemovalRequest {
  readonly image: Image;
  readonly names: readonly Reference[];
  /** As the user wrote it. */
  readonly reference: string;
  readonly force: boolean;
  readonly users: readonly ImageUser[];
  readonly hasChildren: boolean;
}

export interface RemovalPlan {
  readonly untag: readonly Reference[];
  readonly isDeleted: boolean;
}

/**
 * What `docker rmi` does: takes a name away, and the image with its last name.
 * @throws OperationError `conflict` in Docker's words.
 * @see moby daemon/images/image_delete.go for the order of the checks.
 */
export function planRemoval(request: RemovalRequest): RemovalPlan {
  return isIdOf(request.image, request.reference) ? planById(request) : planByName(request);
}

function planByName(request: RemovalRequest): RemovalPlan {
  const { image, names, reference, force, users } = request;
  const user = users[0];
  if (!force && isSingle(names) && user !== undefined) {
    throw new OperationError(
      "conflict",
      `conflict: unable to remove repository reference ${JSON.stringify(reference)} (must force) - container ${short(user.id)} is using its referenced image ${short(image.id)}`,
    );
  }
  const target = familiarReference(withDefaultTag(parseReference(reference)));
  const untag = names.filter(name => familiarReference(name) === target);
  const left = names.filter(name => !untag.includes(name));
  // Digests of a repository mean nothing once its last tag is gone.
  const stale = left.filter(
    name => name.digest !== undefined && !left.some(other => other.tag !== undefined && sameName(other, name)),
  );
  if (left.length > stale.length) return { untag, isDeleted: false };
  const isBlocked = request.hasChildren || users.some(({ isRunning }) => isRunning) || (!force && users.length > 0);
  return { untag: [...untag, ...(isBlocked ? [] : stale)], isDeleted: !isBlocked };
}

function planById(request: RemovalRequest): RemovalPlan {
  const conflict = conflictOf(request);
  if (conflict !== undefined) throw conflict;
  return { untag: request.names, isDeleted: true };
}

function conflictOf({ image, names, force, users, hasChildren }: RemovalRequest): OperationError | undefined {
  const running = users.find(({ isRunning }) => isRunning);
  const error = (isHard: boolean, reason: string): OperationError =>
    new OperationError(
      "conflict",
      `conflict: unable to delete ${short(image.id)} (${isHard ? "cannot be forced" : "must be forced"}) - ${reason}`,
    );
  if (hasChildren) return error(true, "image has dependent child images");
  if (running !== undefined) return error(true, `image is being used by running container ${short(running.id)}`);
  if (force) return undefined;
  if (!isSingle(names)) return error(false, "image is referenced in multiple repositories");
  const stopped = users[0];
  if (stopped !== undefined) return error(false, `image is being used by stopped container ${short(stopped.id)}`);
  return undefined;
}

/** At most one tag, and all within one repository. */
function isSingle(names: readonly Reference[]): boolean {
  const [first] = names;
  return (
    first === undefined ||
    (names.filter(({ tag }) => tag !== undefined).length <= 1 && names.every(name => sameName(name, first)))
  );
}

function sameName(a: Reference, b: Reference): boolean {
  return familiarName(a) === familiarName(b);
}

function isIdOf({ id }: Image, reference: string): boolean {
  return reference !== "" && (id.startsWith(reference) || id.slice("sha256:".length).startsWith(reference));
}

function short(id: string): string {
  return id.replace("sha256:", "").slice(0, 12);
}
