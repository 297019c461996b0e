// @ts-check

/**
 * Whether it is a failure that servers are missing: in CI (the variable CI is set) it is, unless
 * ALLOW_MISSING_NATS or ALLOW_MISSING_KAFKA is set.
 *
 * @param {string} name of the technology, `NATS` or `Kafka`
 */
export function isRequired(name) {
  return isSet('CI') && !isSet(`ALLOW_MISSING_${name.toUpperCase()}`);
}

/** @param {string} variable */
export function isSet(variable) {
  return !['', '0', 'false'].includes(process.env[variable] ?? '');
}
