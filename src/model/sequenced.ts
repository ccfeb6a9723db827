/** What has a spec of the user's and a state that the cluster itself writes. */
export interface Sequenced {
  /** The spec is the one that was given by the first entry after this index; missing in objects of the first format. */
  readonly specChangedAfter?: number;
}
