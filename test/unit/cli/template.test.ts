import assert from "node:assert/strict";
import { compileTemplate } from "../../../src/lib/template/template.ts";

describe("compileTemplate", () => {
  const data = {
    ID: "abc",
    Name: "web",
    Ports: [80, 443],
    Labels: { b: "2", a: "1" },
    Spec: { Replicas: 3, Mode: "" },
    Html: "<a&b>",
  };
  const cases = [
    { template: "{{.ID}}: {{.Name}}", shows: "abc: web" },
    { template: "{{.Spec.Replicas}}", shows: "3" },
    { template: "{{json .Labels}}", shows: '{"b":"2","a":"1"}' },
    { template: "{{json .Html}}", shows: '"<a&b>"' },
    { template: "{{.Labels}}", shows: "map[a:1 b:2]" },
    { template: "{{.Ports}}", shows: "[80 443]" },
    { template: "{{range .Ports}}{{.}},{{end}}", shows: "80,443," },
    { template: "{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}", shows: "a=1 b=2 " },
    { template: '{{index .Labels "a"}}', shows: "1" },
    { template: "{{index .Ports 1}}", shows: "443" },
    { template: "{{if .Spec.Mode}}yes{{else}}no{{end}}", shows: "no" },
    { template: "{{if .Spec.Mode}}a{{else if .Name}}b{{else}}c{{end}}", shows: "b" },
    { template: "{{with .Spec}}{{.Replicas}}{{end}}", shows: "3" },
    { template: "{{.Name | upper}}", shows: "WEB" },
    { template: "{{len .Ports}}", shows: "2" },
    { template: '{{printf "%-5s|%03d" .Name (index .Ports 0)}}', shows: "web  |080" },
    { template: '{{join (split "a,b" ",") "-"}}', shows: "a-b" },
    { template: '{{if and (eq .Name "web") (gt .Spec.Replicas 2)}}big{{end}}', shows: "big" },
    { template: "{{$x := .Name}}{{$x}}", shows: "web" },
    { template: "a\\tb", shows: "a\tb" },
    { template: "x {{- .ID -}} y", shows: "xabcy" },
  ];
  for (const { template, shows } of cases) {
    it(`renders ${template}`, () => assert.equal(compileTemplate(template)(data), shows));
  }

  const wrong = [
    { template: "{{.Nope}}", message: /map has no entry for key "Nope"/ },
    { template: "{{.ID", message: /unclosed action/ },
    { template: "{{nope .ID}}", message: /function "nope" not defined/ },
    { template: "{{if .ID}}", message: /unexpected EOF/ },
    { template: "{{index .Ports 9}}", message: /index out of range: 9/ },
  ];
  for (const { template, message } of wrong) {
    it(`refuses ${template}`, () => assert.throws(() => compileTemplate(template)(data), message));
  }
});
