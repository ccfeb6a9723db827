/** What a container's failed start means to a shell: 127 not found, 126 not allowed, else 125. @see the exit codes of `docker run` */
export function startFailureCode(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(message)) return 127;
  if (/permission denied|EACCES|is a directory/.test(message)) return 126;
  return 125;
}
