/** Something that a managed plugin needs of its host, for its user to grant. */
export interface PluginPrivilege {
  readonly name: string;
  readonly description: string;
  readonly value: readonly string[];
}
