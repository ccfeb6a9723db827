import { OperationError } from "../../lib/errors.ts";
import { compileTemplate, TemplateFailure } from "../../lib/template/template.ts";
import { commandOf, type LogSubject, shortId } from "./log-subject.ts";

/** What drivers that send a tag send when the user names none. */
export const DEFAULT_TAG = "{{.ID}}";
const DAEMON_NAME = "docker";

/** The option `tag`, a Go template over Docker's words. @throws OperationError `invalid` in Go's words. */
export function logTag(subject: LogSubject, defaultTemplate = DEFAULT_TAG): string {
  const template = subject.options["tag"] || defaultTemplate;
  try {
    return compileTemplate(template, { rowType: "*logger.Info" })(tagWords(subject));
  } catch (error) {
    if (!(error instanceof TemplateFailure)) throw error;
    const detail = error.message.replace('executing ""', 'executing "log-tag"');
    throw new OperationError("invalid", `template: log-tag${detail.startsWith(":") ? "" : ": "}${detail}`, { cause: error });
  }
}

function tagWords(subject: LogSubject): Readonly<Record<string, unknown>> {
  const { id, name, imageId, imageName } = subject;
  return {
    ID: shortId(id),
    FullID: id,
    Name: name,
    Command: commandOf(subject),
    ImageID: shortId(imageId),
    ImageFullID: imageId,
    ImageName: imageName,
    Hostname: subject.hostname,
    Config: subject.options,
    ContainerID: id,
    ContainerName: `/${name}`,
    ContainerEntrypoint: subject.entrypoint,
    ContainerArgs: subject.args,
    ContainerImageID: imageId,
    ContainerImageName: imageName,
    ContainerCreated: new Date(subject.createdAtMs).toISOString(),
    ContainerEnv: subject.env,
    ContainerLabels: subject.labels,
    LogPath: subject.logPath,
    DaemonName: DAEMON_NAME,
  };
}
