import { createRequire } from 'node:module';
import type * as kafkajs from 'kafkajs';
import { missingPackage } from '../../../compression/missing-package.js';

/** The package `kafkajs`. */
export type KafkaJS = typeof kafkajs;

const USER = 'The Kafka driver';

/**
 * Loads `kafkajs`: an optional peer dependency, so nothing may load it before a driver is opened.
 * @throws MissingPackageError
 */
export async function loadKafkaJS(
  load = (): Promise<KafkaJS> => import('kafkajs'),
): Promise<KafkaJS> {
  try {
    const module = await load();
    // Node finds only some names of this CommonJS module, and bundlers none: its default has all.
    return 'default' in module ? (module.default as KafkaJS) : module;
  } catch (error) {
    throw missingPackage('kafkajs', error, USER);
  }
}

/**
 * Looks for `kafkajs` without loading it, so that a driver without it is refused when it is opened. In
 * a bundle the package may be a part of the bundle: there only loading tells.
 * @param place the file that would load the package
 * @throws MissingPackageError
 */
export function ensureKafkaJS(place: string = import.meta.url): void {
  if (!/\/library\/kafkajs-package\.[jt]s$/.test(place)) return;
  try {
    createRequire(place).resolve('kafkajs');
  } catch (error) {
    throw missingPackage('kafkajs', error, USER);
  }
}
