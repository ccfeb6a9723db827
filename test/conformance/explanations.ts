/** Keys or types that differ as they should. */
export const DIFFERENCES_EXPLAINED: readonly { readonly where: RegExp; readonly because: string }[] = [
  {
    where: /^ContainerAttach 4\d\d .*only (ours|the real engine) has (: object|\.message: string|header content-type: )/,
    because:
      "a bug of Docker's: an error is sent as plain text that calls itself a stream, not as the object of the specification",
  },
  {
    where: /^ContainerStats 200 when two are followed: only ours has /,
    because: "a bug of Docker's: the stream says not that it is JSON",
  },
  {
    where: /^SystemEvents 400 when a filter is unknown: /,
    because: "more on purpose: what cannot be honoured is refused",
  },
  {
    where: /^ContainerAttach .*only ours has header (docker-experimental|ostype): /,
    because: "more on purpose: every answer says what server it is from",
  },
  {
    where: /^ContainerStats 200 when one is asked for at once: only ours has \.(name|id): string/,
    because: "a bug of Docker's: it does not say whose these are",
  },
  {
    where: /^SystemInfo .*only the real engine has \.Containerd/,
    because: "more on purpose: there is no containerd, so its address cannot be told",
  },
];

/** What we cannot do yet: a status here may have no case, and must have none. */
export const NOT_SHOWN_YET: readonly { readonly operation: string; readonly status: number; readonly because: string }[] = [
  { operation: "ImageCreate", status: 404, because: "images cannot be pulled yet" },
  { operation: "ImagePush", status: 200, because: "images cannot be pushed yet" },
  { operation: "ImageSearch", status: 200, because: "no registry is searched yet" },
  { operation: "VolumeUpdate", status: 200, because: "there are no volumes of a cluster yet" },
];

/** Statuses of the specification that neither engine answers, and what both answer in their place where there is such a case. */
export const NEVER_ANSWERED: readonly { readonly operation: string; readonly status: number; readonly because: string }[] = [
  {
    operation: "ContainerAttachWebsocket",
    status: 200,
    because: "a handshake is answered with 101 and anything else is refused",
  },
  { operation: "ImagePush", status: 404, because: "that the image is not there is told in the stream, after a 200" },
  { operation: "SwarmInspect", status: 404, because: "a node in no swarm answers 503" },
  { operation: "ImageTag", status: 409, because: "a name that another image has is taken from it" },
  ...[200, 400, 404].map(status => ({
    operation: "ImageAttestations",
    status,
    because: "a store that keeps images without their indexes answers 501",
  })),
  { operation: "SystemAuth", status: 204, because: "an answer without a token has its body too" },
  { operation: "PutContainerArchive", status: 403, because: "a root or volume that is read-only is told with 400" },
];
