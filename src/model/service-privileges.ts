/** What the kernel's security modules let a task's processes do. */
export interface ServicePrivileges {
  readonly seLinux?: {
    readonly disable: boolean;
    readonly user: string;
    readonly role: string;
    readonly type: string;
    readonly level: string;
  };
  /** `profile` is the JSON text of a custom one. */
  readonly seccomp?: { readonly mode: "default" | "unconfined" | "custom"; readonly profile: string };
  readonly appArmor?: { readonly mode: "default" | "disabled" };
  readonly noNewPrivileges: boolean;
}
