import { describe, expect, it } from "vitest";
import { accept, contextAt, suggestFields, suggestValues } from "./complete";
import { addTerm, fieldLiteral, hasTerm, literal, removeTerm, setBounds, terms, toggleTerm } from "./edit";
import { indexOfByte, isTraceId, tokenize, unquote } from "./lexer";

const shape = (text: string) =>
  tokenize(text)
    .filter(({ kind }) => kind !== "space")
    .map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`);

const term = (field: string, value: string, negated = false) => ({ field, operator: ":", value, negated });

describe("tokens", () => {
  it("of every form in the language", () => {
    expect(shape('timeout -"health check" service:checkout duration>=500ms')).toEqual([
      "word timeout",
      "negation -",
      'quoted "health check"',
      "field service",
      "operator :",
      "value checkout",
      "field duration",
      "operator >=",
      "value 500ms",
    ]);
    expect(shape('(a OR b) NOT /ti?me.ut/ "odd name":x user.id:(a OR b)')).toEqual([
      "paren (",
      "word a",
      "keyword OR",
      "word b",
      "paren )",
      "keyword NOT",
      "regex /ti?me.ut/",
      'field "odd name"',
      "operator :",
      "value x",
      "field user.id",
      "operator :",
      "paren (",
      "word a",
      "keyword OR",
      "word b",
      "paren )",
    ]);
  });

  it("keep colons, slashes and stars in a value", () => {
    expect(shape("url:http://shop/cart* name:*cart*")).toEqual([
      "field url",
      "operator :",
      "value http://shop/cart*",
      "field name",
      "operator :",
      "value *cart*",
    ]);
  });

  it("cover any text without gaps", () => {
    for (const text of [
      "/cart",
      "a >",
      "x:>=",
      'a"b',
      "!",
      "((",
      '"\\',
      "/x",
      "a:",
      "-",
      ":=",
      "é:ü –",
      "a!b",
      "a != b",
    ]) {
      let at = 0;
      for (const { start, end } of tokenize(text)) {
        expect(start).toBe(at);
        expect(end).toBeGreaterThan(start);
        at = end;
      }
      expect(at).toBe(text.length);
    }
  });

  it("tell fields from text that looks like one", () => {
    expect(shape("http://shop note : a+b:c /cart")).toEqual([
      "word http://shop",
      "word note",
      "word :",
      "word a+b:c",
      "word /cart",
    ]);
    expect(shape('duration > 5ms span."odd name":1 size:>=3')).toEqual([
      "field duration",
      "operator >",
      "value 5ms",
      'field span."odd name"',
      "operator :",
      "value 1",
      "field size",
      "operator :>=",
      "value 3",
    ]);
  });

  it("say what does not end", () => {
    expect(shape('a "b c')).toEqual(["word a", 'open "b c']);
  });
});

it("positions in bytes become positions in the text", () => {
  expect(indexOfByte("größe:x", 7)).toBe(5);
  expect(indexOfByte("😀 a", 5)).toBe(3);
  expect(indexOfByte("abc", 99)).toBe(3);
});

it("a trace id is known by its looks", () => {
  expect(isTraceId(" 4bf92f3577b34da6a3ce929d0e0e4736 ")).toBe(true);
  expect(isTraceId("4bf92f3577b34da6")).toBe(false);
});

describe("edits", () => {
  it("quote what must be quoted, and only that", () => {
    expect(literal("/cart/{id}")).toBe("/cart/{id}");
    expect(literal("card declined")).toBe('"card declined"');
    expect(literal('say "hi" \\')).toBe('"say \\"hi\\" \\\\"');
    expect(literal("OR")).toBe('"OR"');
    expect(literal("a*")).toBe('"a*"');
    expect(literal("")).toBe('""');
    expect(fieldLiteral("span.odd name")).toBe('span."odd name"');
    expect(unquote(fieldLiteral("span.odd name"))).toBe("span.odd name");
    expect(fieldLiteral("1st")).toBe('"1st"');
    for (const value of ["a b", 'q"uote', "back\\slash", "x:y", "(z)"]) expect(unquote(literal(value))).toBe(value);
  });

  it("narrow a query", () => {
    expect(addTerm("", term("service", "cart"))).toBe("service:cart");
    expect(addTerm("timeout", term("service", "cart", true))).toBe("timeout -service:cart");
    expect(addTerm("a OR b", term("status", "error"))).toBe("(a OR b) status:error");
    expect(addTerm("(a OR b)", term("status", "error"))).toBe("(a OR b) status:error");
  });

  it("do not repeat a term, and replace its opposite", () => {
    expect(addTerm("service=cart x", term("service", "cart"))).toBe("service=cart x");
    expect(addTerm("-service:cart x", term("service", "cart"))).toBe("x service:cart");
  });

  it("take a term away again", () => {
    expect(removeTerm('a service:"my shop" b', term("service", "my shop"))).toBe("a b");
    expect(toggleTerm("service:cart", term("service", "cart"))).toBe("");
    expect(hasTerm("service:cart", term("service", "cart", true))).toBe(false);
  });

  it("see the terms of a query", () => {
    expect(
      terms('-a.b:"c d" e>5').map(({ field, operator, value, negated }) => [field, operator, value, negated]),
    ).toEqual([
      ["a.b", ":", "c d", true],
      ["e", ">", "5", false],
    ]);
  });

  it("replace the bounds that a brush set before", () => {
    const first = setBounds("service:cart", "duration", [
      [">=", "100ms"],
      ["<", "1s"],
    ]);
    expect(first).toBe("service:cart duration>=100ms duration<1s");
    expect(setBounds(first, "duration", [[">=", "2s"]])).toBe("service:cart duration>=2s");
    expect(setBounds(first, "duration", [])).toBe("service:cart");
  });
});

describe("completion", () => {
  const at = (marked: string) => contextAt(marked.replace("|", ""), marked.indexOf("|"));

  it("knows what the caret asks for", () => {
    expect(at("|")).toMatchObject({ kind: "field", prefix: "" });
    expect(at("a ser|")).toMatchObject({ kind: "field", prefix: "ser", start: 2, end: 5 });
    expect(at("-ser|")).toMatchObject({ kind: "field", prefix: "ser", negated: true });
    expect(at("service:|")).toMatchObject({ kind: "value", field: "service", prefix: "" });
    expect(at("service:ch|eck x")).toMatchObject({ kind: "value", field: "service", prefix: "ch", start: 8, end: 13 });
    expect(at('name:"POST /o|')).toMatchObject({ kind: "value", field: "name", prefix: "POST /o" });
    expect(at('"free te|')).toBeUndefined();
  });

  const fields = [
    { name: "span.http.route", scope: "span", types: ["string"], count: 10 },
    { name: "service", scope: "intrinsic", types: ["string"], count: 99 },
    { name: "span.rpc.service", scope: "span", types: ["string"], count: 50 },
    { name: "odd name", scope: "span", types: ["int"], count: 1 },
  ];

  it("ranks fields by how they fit, then by how frequent they are", () => {
    expect(suggestFields(fields, "serv", 9).map(({ label }) => label)).toEqual(["service", "span.rpc.service"]);
    expect(suggestFields(fields, "", 2).map(({ label }) => label)).toEqual(["service", "span.rpc.service"]);
    expect(suggestFields(fields, "odd", 9)[0]!.insert).toBe('"odd name":');
  });

  it("puts a suggestion in place of what was typed", () => {
    const context = at("a ser| b")!;
    expect(accept("a ser b", context, suggestFields(fields, "ser", 1)[0]!)).toEqual({
      text: "a service: b",
      caret: 10,
    });
    const value = at("service:ch| b")!;
    const [suggestion] = suggestValues([{ value: "my shop", note: "" }]);
    expect(accept("service:ch b", value, suggestion!)).toEqual({ text: 'service:"my shop" b', caret: 17 });
    const renamed = at("ser|:x")!;
    expect(accept("ser:x", renamed, suggestFields(fields, "ser", 1)[0]!).text).toBe("service:x");
  });
});
