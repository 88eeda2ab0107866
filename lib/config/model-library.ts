import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Where the library lies. */
export const libraryFolder = path.resolve(import.meta.dirname, '../../models');

/** Names of the library's models. */
export const libraryModels: readonly string[] = readdirSync(libraryFolder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => path.basename(file, '.yaml'))
  .sort();

/** The library's file of a model, named from the repository's root, with its text. */
export function readLibraryModel(name: string): { readonly file: string; readonly text: string } {
  return { file: `models/${name}.yaml`, text: readFileSync(path.join(libraryFolder, `${name}.yaml`), 'utf8') };
}

/** A Hugging Face repository is named `owner/name`; a name without a slash is one of the library. */
export function isLibraryName(model: string): boolean {
  return !model.includes('/');
}
