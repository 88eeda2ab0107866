import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../../models');

/** Names of the library's models. */
export const libraryModels: readonly string[] = readdirSync(folder)
  .map((file) => path.basename(file, '.yaml'))
  .sort();

/** The library's file of a model, with its text. */
export function readLibraryModel(name: string): { readonly file: string; readonly source: string } {
  const file = path.join(folder, `${name}.yaml`);
  return { file, source: readFileSync(file, 'utf8') };
}

/** A Hugging Face repository is named `owner/name`; a name without a slash is one of the library. */
export function isLibraryName(model: string): boolean {
  return !model.includes('/');
}
