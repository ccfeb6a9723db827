/** The text cannot be read as a template, or cannot be carried out; the message is Go's where the CLI's users see it. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}
