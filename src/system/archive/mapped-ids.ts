import { type IdMap, type Owner, ownerInContainer, ownerOnHost } from "../../model/id-map.ts";

/** Of this program, set once before its first job: all trees here have their files owned so. */
let map: IdMap | undefined;

export function useIdMap(idMap: IdMap | undefined): void {
  map = idMap;
}

/** Whom a file is to be given to whose archive, or instruction, says so. @throws OperationError `invalid` for an id that containers do not have. */
export function ownerOnDisk(owner: Owner): Owner {
  return ownerOnHost(map, owner);
}

/** Whose a file of a tree is, as containers and archives call them. */
export function ownerInArchive(owner: Owner): Owner {
  return ownerInContainer(map, owner);
}
