import "reflect-metadata";
import { readFileSync } from "node:fs";
import { SigningServer } from "./signing-server.ts";

// A signing server as a process: CERTIFICATE KEY CALLERS. Says where it is, then what it signs.
const [certificatePem = "", keyPem = "", callersPem = ""] = process.argv.slice(2).map(path => readFileSync(path, "utf8"));
const server = await SigningServer.listen({ certificatePem, keyPem }, { callersPem });
server.onSigned = ({ subject, profile }) => console.log(`${subject.CN} ${profile || (subject.names[0]?.["OU"] ?? "")}`);
console.log(server.url);
