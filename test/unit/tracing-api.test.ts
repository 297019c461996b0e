import { expect, it } from 'vitest';
import { MissingPackageError } from '../../lib/core/errors/start-up.errors.js';
import { loadApi } from '../../lib/observability/tracing/load-api.js';

/** What `require` throws for this package. */
const notFound = (name: string): Error =>
  Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });

it('says which package to install for tracing', () => {
  const load = (): never => {
    throw notFound('@opentelemetry/api');
  };
  expect(() => loadApi(load)).toThrow(MissingPackageError);
  expect(() => loadApi(load)).toThrow('Run: npm install @opentelemetry/api');
});

it('leaves another error of loading as it is', () => {
  const load = (): never => {
    throw notFound('other');
  };
  expect(() => loadApi(load)).toThrow("Cannot find module 'other'");
});
