import { Option } from 'commander';
import { parseBaseUrl } from '../shared/options.ts';

/** Options of every command that talks to a running router. */
export interface RouterOptions {
  readonly url: string;
  readonly apiKey?: string;
}

export function urlOption(): Option {
  return new Option('--url <url>', 'the router, or any OpenAI-compatible server')
    .env('FLEET_URL')
    .default('http://127.0.0.1:8000')
    .argParser(parseBaseUrl);
}

export function apiKeyOption(): Option {
  return new Option('--api-key <key>', 'bearer key; safer in the environment, where other users do not see it').env(
    'FLEET_API_KEY',
  );
}
