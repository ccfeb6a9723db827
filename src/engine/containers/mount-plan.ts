import type { Labels } from "../../model/cluster.ts";
import type { MountPoint } from "../../model/container.ts";
import type { ContainerId } from "../../model/ids.ts";

/** What is to be mounted in a container, as settled when it was created. */
export type MountPlan = BindPlan | VolumePlan | TmpfsPlan | ImagePlan;

interface PlanBase {
  readonly destination: string;
  readonly isWritable: boolean;
}

export interface BindPlan extends PlanBase {
  readonly kind: "bind";
  readonly source: string;
  /** `rprivate`, `rslave`, …; "" is the default. */
  readonly propagation: string;
  readonly isRecursive: boolean;
  /** `-v` makes a missing folder, `--mount` refuses it. */
  readonly createsSource: boolean;
  /** Options as the user gave them: `ro,z`. */
  readonly mode: string;
  /** `recursive` (as far as the kernel can), `none`, or `required`. */
  readonly readOnlySubmounts: "possible" | "none" | "required";
}

export interface VolumePlan extends PlanBase {
  readonly kind: "volume";
  /** "" until it is made, when anonymous. */
  readonly name: string;
  readonly driver: string;
  readonly driverOptions: Labels;
  readonly labels: Labels;
  /** Where the volume's data is on the host; "" until it is made. */
  readonly source: string;
  /** Beneath the volume's data. */
  readonly subpath: string;
  /** Image content is copied into it when it is empty. */
  readonly copiesImage: boolean;
  readonly isAnonymous: boolean;
  readonly mode: string;
}

/** The files of an image; what is written is refused. */
export interface ImagePlan extends PlanBase {
  readonly kind: "image";
  /** As the user named it. */
  readonly image: string;
  /** What its file system is kept under, beside those of containers; "" until it is made. */
  readonly rootfsId: ContainerId | "";
  /** Where it is mounted on the host; "" until it is made. */
  readonly source: string;
  /** Beneath the image's root. */
  readonly subpath: string;
}

export interface TmpfsPlan extends PlanBase {
  readonly kind: "tmpfs";
  /** Of mount(8): `size=64m`, `mode=1777`. */
  readonly options: readonly string[];
  /** Given by `--mount`, so that inspect shows it among the mounts. */
  readonly isListed: boolean;
}

/** What inspect shows. */
export function toMountPoint(plan: MountPlan): MountPoint | undefined {
  const { destination, isWritable } = plan;
  switch (plan.kind) {
    case "bind": {
      const { source, mode, propagation } = plan;
      return { type: "bind", source, destination, mode, isWritable, propagation: propagation || "rprivate" };
    }
    case "volume": {
      const { name, source, driver, mode } = plan;
      return { type: "volume", name, source, destination, driver, mode, isWritable, propagation: "" };
    }
    case "image":
      return { type: "image", name: plan.image, source: plan.source, destination, mode: "", isWritable, propagation: "rprivate" };
    case "tmpfs":
      return plan.isListed ? { type: "tmpfs", source: "", destination, mode: "", isWritable, propagation: "" } : undefined;
  }
}
