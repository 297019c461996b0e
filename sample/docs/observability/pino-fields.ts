type Log = (...args: unknown[]) => void;

/** For `LoggerModule.forRoot({ pinoHttp: { hooks } })` of nestjs-pino. */
export const hooks = {
  logMethod(this: unknown, args: unknown[], log: Log): void {
    const [context, text, fields, ...more] = args;
    const plain = typeof fields === 'object' && !(fields instanceof Error);
    if (typeof text !== 'string' || !plain) log.apply(this, args);
    else log.call(this, { ...(context as object), ...fields }, text, ...more);
  },
};
