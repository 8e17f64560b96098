import { FormError } from './go-url.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/;

/** The media type of a Content-Type header, in lower case. Throws `FormError` in Go's words. */
export function parseMediaType(header: string): string {
  const semicolon = header.indexOf(';');
  const base = (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  checkType(base);
  const seen = new Set<string>();
  let rest = semicolon < 0 ? '' : header.slice(semicolon);
  while (rest.length > 0) {
    rest = rest.trimStart();
    if (rest === '') break;
    const parameter = parseParameter(rest);
    if (parameter === undefined) {
      if (rest.trim() === ';') break;
      throw new FormError('mime: invalid media parameter');
    }
    if (seen.has(parameter.name)) throw new FormError('mime: duplicate parameter name');
    seen.add(parameter.name);
    rest = parameter.rest;
  }
  return base;
}

function checkType(type: string): void {
  const main = TOKEN.exec(type)?.[0] ?? '';
  if (main === '') throw new FormError('mime: no media type');
  const afterMain = type.slice(main.length);
  if (afterMain === '') return;
  if (!afterMain.startsWith('/')) throw new FormError('mime: expected slash after first token');
  const sub = TOKEN.exec(afterMain.slice(1))?.[0] ?? '';
  if (sub === '') throw new FormError('mime: expected token after slash');
  if (afterMain.length > sub.length + 1) {
    throw new FormError('mime: unexpected content after media subtype');
  }
}

function parseParameter(text: string): { name: string; rest: string } | undefined {
  const head = /^;\s*([^\s=;"]+)=/.exec(text);
  if (head === null || TOKEN.exec(head[1] ?? '')?.[0] !== head[1]) return undefined;
  const after = text.slice(head[0].length);
  const value = /^"(?:[^"\\\r\n]|\\.)*"/.exec(after)?.[0] ?? TOKEN.exec(after)?.[0];
  if (value === undefined) return undefined;
  return { name: (head[1] ?? '').toLowerCase(), rest: after.slice(value.length) };
}
