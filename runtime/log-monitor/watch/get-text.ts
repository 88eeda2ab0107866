import { exchangeText, type TextExchange } from '../../shared/http/exchange-text.ts';

export type GetTextOptions = Pick<TextExchange, 'headers' | 'timeoutMs' | 'maxBytes' | 'signal'>;

/**
 * What a GET came to. `refused`: nothing listens, so the server does not run. `failed`: everything else that is no
 * answer (a time-out, a broken connection, an answer that is too long).
 */
export type GetTextResult =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  | { readonly kind: 'refused' | 'failed'; readonly reason: string };

/**
 * Gets a text of bounded size within a bounded time. The connection is kept, for those who ask again within seconds.
 * Rejects only with the signal's reason.
 */
export async function getText(url: string, options: GetTextOptions): Promise<GetTextResult> {
  const { signal, timeoutMs } = options;
  try {
    const { status, text } = await exchangeText(url, { ...options, keepsConnection: true });
    return { kind: 'answer', status, text };
  } catch (thrown) {
    signal?.throwIfAborted();
    const { code, name, message } = thrown as NodeJS.ErrnoException;
    const reason = name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : message;
    return { kind: code === 'ECONNREFUSED' ? 'refused' : 'failed', reason };
  }
}
