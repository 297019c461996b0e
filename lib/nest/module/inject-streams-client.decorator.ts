import { Inject } from '@nestjs/common';
import { StreamsClient } from '../client/streams.client.js';
import { getStreamsToken } from '../tokens.js';
import { DEFAULT_NAME } from '../../options/streams-options.js';

/**
 * Injects the {@link StreamsClient} of the module with this name. @param name @default 'default'
 */
export const InjectStreamsClient = (name = DEFAULT_NAME): PropertyDecorator & ParameterDecorator =>
  Inject(getStreamsToken(name, StreamsClient));
