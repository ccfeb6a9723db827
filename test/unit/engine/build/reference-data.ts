import { existsSync } from "node:fs";
import { join } from "node:path";
import { skip } from "../../../skip.ts";

/** Docker's own parser cases, where they are beside the checkout. */
export const DOCKERFILE_CASES = join(import.meta.dirname, "../../../../../shared/data/dockerfiles");

/** A group of tests that reads the cases while it is put together; elsewhere it counts as one skipped test. */
export function describeDockersCases(tests: () => void): void {
  describe("on Docker's own cases", () => {
    if (existsSync(DOCKERFILE_CASES)) return tests();
    it("does as Docker does", function () {
      skip(this, "Docker's parser cases are not beside the checkout");
    });
  });
}
