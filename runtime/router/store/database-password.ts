import type { SecretLoader } from '../../shared/secrets-manager.ts';

/** SQLSTATE: no connection could be made. It is one of those of a database that is down. */
const cannotConnect = '08001';
/** Between two readings of the secret, in ms: a password that is wrong for good must not be asked for all the time. */
const readIntervalMs = 5_000;

/**
 * The password of a database in AWS Secrets Manager, which changes there from time to time. It is kept until a connection
 * with it was refused.
 */
export class DatabasePassword {
  readonly #secretId: string;
  readonly #load: SecretLoader;
  readonly #now: () => number;
  #password: Promise<string> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #isStale = false;

  /** @param now monotonic time in ms */
  constructor(secretId: string, load: SecretLoader, now: () => number = () => performance.now()) {
    this.#secretId = secretId;
    this.#load = load;
    this.#now = now;
  }

  /** @throws what counts as a database that is down, when the secret cannot be read or holds no password */
  read(): Promise<string> {
    const isDue = this.#isStale && this.#now() - this.#readAtMs >= readIntervalMs;
    if (this.#password === undefined || isDue) {
      this.#readAtMs = this.#now();
      this.#isStale = false;
      this.#password = this.#read();
      this.#password.catch(() => this.forget());
    }
    return this.#password;
  }

  /** A connection was refused: the secret is read again for the next one. */
  forget(): void {
    this.#isStale = true;
  }

  async #read(): Promise<string> {
    try {
      return passwordIn(await this.#load(this.#secretId));
    } catch (cause) {
      const message = `The secret ${this.#secretId} with the password of the database could not be read.`;
      throw Object.assign(new Error(message, { cause }), { code: cannotConnect });
    }
  }
}

/** RDS makes `{"username","password"}`, others a password alone. Mistakes do not quote the text. */
function passwordIn(text: string): string {
  if (!text.trimStart().startsWith('{')) return text.trim();
  let secret: unknown;
  try {
    secret = JSON.parse(text);
  } catch {
    throw new Error('It is not valid JSON.');
  }
  const { password } = secret as { password?: unknown };
  if (typeof password !== 'string' || password === '') throw new Error('It has no field "password".');
  return password;
}
