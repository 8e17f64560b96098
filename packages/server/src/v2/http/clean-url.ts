import type { HttpReply } from '../../http/http-message.ts';
import { cleanPath } from '../key-path.ts';

/**
 * Go's servers know only clean paths, and send whoever asks for another one to it: without double slashes and dots, with
 * the slash at the end if there was one. Undefined for a path that is clean; `path` is without escapes, a text of bytes.
 */
export function redirectToClean(
  method: string,
  path: string,
  query: string,
): HttpReply | undefined {
  const clean = cleanUrlPath(path);
  if (clean === path) return undefined;
  const location = escapePath(clean) + (query === '' ? '' : `?${query}`);
  const headers: [string, string][] = [['Location', location]];
  if (method === 'GET' || method === 'HEAD') {
    headers.unshift(['Content-Type', 'text/html; charset=utf-8']);
  }
  const body = method === 'GET' ? `<a href="${htmlText(location)}">Moved Permanently</a>.\n\n` : '';
  return { status: 301, headers, body };
}

function cleanUrlPath(path: string): string {
  const clean = cleanPath(path);
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

function escapePath(path: string): string {
  return path.replace(/[^-A-Za-z0-9_.~$&+,/:;=@]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

function htmlText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;')
    .replaceAll("'", '&#39;');
}
