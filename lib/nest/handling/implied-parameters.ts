import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RpcParamtype } from '@nestjs/microservices/enums/rpc-paramtype.enum.js';

/** The parameters of a method in Nest's metadata, by Nest's names. */
type Parameters = Readonly<Record<string, object>>;

/** `(@Payload() payload, @Ctx() context)` */
const IMPLIED: Parameters = {
  [`${RpcParamtype.PAYLOAD}:0`]: { index: 0, data: undefined, pipes: [] },
  [`${RpcParamtype.CONTEXT}:1`]: { index: 1, data: undefined, pipes: [] },
};

/**
 * Gives a method without parameter decorators the payload and the context. Nest alone would give
 * only the payload.
 */
export function implyParameters(target: object, key: string | symbol): void {
  const known = (Reflect.getMetadata(ROUTE_ARGS_METADATA, target.constructor, key) ??
    {}) as Parameters;
  // A method that overrides another one inherits its implied parameters, mixed with its own
  // decorators.
  const implied = Object.values(IMPLIED);
  const declared = Object.entries(known).filter(([, parameter]) => !implied.includes(parameter));
  const parameters = declared.length > 0 ? Object.fromEntries(declared) : IMPLIED;
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, parameters, target.constructor, key);
}
