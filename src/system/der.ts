/** An element of DER, with its tag and length. */
interface Element {
  readonly tag: number;
  readonly whole: Buffer;
  readonly content: Buffer;
}

const LONG_FORM = 0x80;
const VERSION_TAG = 0xa0;

/** The elements of a sequence's content, in order. The certificate was parsed before: it is well-formed. */
function elements(content: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < content.length; ) {
    const first = content[at + 1] ?? 0;
    const lengthBytes = first < LONG_FORM ? 0 : first - LONG_FORM;
    const begin = at + 2 + lengthBytes;
    const length = lengthBytes === 0 ? first : content.readUIntBE(at + 2, lengthBytes);
    const end = begin + length;
    found.push({ tag: content[at] ?? 0, whole: content.subarray(at, end), content: content.subarray(begin, end) });
    at = end;
  }
  return found;
}

/** Issuer, subject and public key of an X.509 certificate, as they stand in it. @param certificate - DER. */
export function namesInCertificate(certificate: Buffer): {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: Buffer;
} {
  const [outer] = elements(certificate);
  const [signed] = elements(outer?.content ?? Buffer.alloc(0));
  const fields = elements(signed?.content ?? Buffer.alloc(0)).filter(({ tag }) => tag !== VERSION_TAG);
  const [, , issuer, , subject, publicKey] = fields.map(({ whole }) => whole);
  if (issuer === undefined || subject === undefined || publicKey === undefined) throw new TypeError("not a certificate");
  return { issuer, subject, publicKey };
}
