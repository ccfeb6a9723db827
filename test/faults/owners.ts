import { get } from "./client.ts";

interface InspectJson {
  readonly Id: string;
  readonly Name: string;
  readonly HostConfig: { readonly IpcMode: string };
  readonly State: { readonly Status: string; readonly Pid: number; readonly Paused: boolean };
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Source?: string }[];
  readonly NetworkSettings: {
    readonly SandboxKey: string;
    readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly EndpointID: string; readonly IPAddress: string }>>;
  };
}

/** What the daemon says is there, and so what may own something on the host. */
export interface Owners {
  readonly containers: ReadonlySet<string>;
  readonly running: ReadonlyMap<string, InspectJson>;
  readonly volumes: ReadonlySet<string>;
  /** Volumes that some container has among its mounts. */
  readonly usedVolumes: ReadonlySet<string>;
  /** Root file systems of images that are mounted in containers, by their folders' names. */
  readonly imageRoots: ReadonlySet<string>;
  readonly networks: ReadonlyMap<string, { readonly bridge: string; readonly subnets: readonly string[] }>;
  /** Hex, without the algorithm. */
  readonly images: ReadonlySet<string>;
  readonly layers: ReadonlySet<string>;
}

export async function askOwners(socket: string): Promise<Owners> {
  const list = await get<readonly { readonly Id: string }[]>(socket, "/containers/json?all=1");
  const inspected = await Promise.all(list.map(({ Id }) => get<InspectJson>(socket, `/containers/${Id}/json`)));
  const volumes = await get<{ readonly Volumes: readonly { readonly Name: string }[] }>(socket, "/volumes");
  const networks = await get<
    readonly {
      readonly Id: string;
      readonly Name: string;
      readonly Driver: string;
      readonly IPAM: { readonly Config: readonly { readonly Subnet: string }[] | null };
    }[]
  >(socket, "/networks");
  const images = await get<readonly { readonly Id: string }[]>(socket, "/images/json?all=1");
  const layers = await Promise.all(
    images.map(({ Id }) => get<{ readonly RootFS: { readonly Layers?: readonly string[] } }>(socket, `/images/${Id}/json`)),
  );
  return {
    containers: new Set(list.map(({ Id }) => Id)),
    running: new Map(inspected.filter(({ State }) => State.Pid > 0).map(container => [container.Id, container])),
    volumes: new Set(volumes.Volumes.map(({ Name }) => Name)),
    usedVolumes: new Set(inspected.flatMap(({ Mounts }) => Mounts.map(({ Name = "" }) => Name))),
    imageRoots: new Set(inspected.flatMap(imageRootsOf)),
    networks: new Map(
      networks
        .filter(({ Driver }) => Driver === "bridge")
        .map(({ Id, Name, IPAM }) => [
          Id,
          {
            bridge: Name === "bridge" ? "docker0" : `br-${Id.slice(0, 12)}`,
            subnets: (IPAM.Config ?? []).map(({ Subnet }) => Subnet),
          },
        ]),
    ),
    images: new Set(images.map(({ Id }) => hexOf(Id))),
    layers: new Set(layers.flatMap(({ RootFS }) => (RootFS.Layers ?? []).map(hexOf))),
  };
}

/** Each is a folder of the container's own, named like a container's. */
export function imageRootsOf({ Mounts }: InspectJson): readonly string[] {
  return Mounts.filter(({ Type }) => Type === "image").flatMap(({ Source = "" }) => /\/([0-9a-f]{64})\//.exec(Source)?.[1] ?? []);
}

function hexOf(digest: string): string {
  return digest.replace("sha256:", "");
}
