/** All that an OCI bundle of a container is made of, beside its files: those its archive tells. Paths are relative to the bundle. */
export interface PortableBundle {
  /** The text of config.json; its root is the folder `rootfs`. */
  readonly config: string;
  readonly files: Readonly<Record<string, string>>;
  /** Folders of the bundle, and what of the container is copied there: its volumes. */
  readonly copies: Readonly<Record<string, string>>;
}
