import type { HttpRequest } from '../../http/http-message.ts';
import { V2Error } from '../v2-error.ts';
import { type Form, FormError, joinForms, parseQuery } from './go-url.ts';
import { parseMediaType } from './media-type.ts';

/** Go reads no larger forms. */
const MAX_FORM_BYTES = 10 * 1024 * 1024;
const METHODS_WITH_FORM = ['PUT', 'POST'];

/** The parameters of body and query; those of the body come first. Throws `V2Error` 210. */
export async function readForm(request: HttpRequest, query: string): Promise<Form> {
  const inQuery = parseQuery(query);
  try {
    const inBody = METHODS_WITH_FORM.includes(request.method)
      ? await bodyForm(request)
      : parseQuery('');
    const error = inBody.error ?? inQuery.error;
    if (error !== undefined) throw error;
    return joinForms(inBody.form, inQuery.form);
  } catch (error) {
    if (error instanceof FormError) throw new V2Error(210, error.message);
    throw error;
  }
}

async function bodyForm(request: HttpRequest): Promise<ReturnType<typeof parseQuery>> {
  const type = request.header('content-type') ?? '';
  if (type === '' || parseMediaType(type) !== 'application/x-www-form-urlencoded') {
    return parseQuery('');
  }
  const body = await request.body(MAX_FORM_BYTES).catch(() => {
    throw new FormError('unexpected EOF');
  });
  if (body === undefined) throw new FormError('http: POST too large');
  return parseQuery(body.toString('latin1'));
}
