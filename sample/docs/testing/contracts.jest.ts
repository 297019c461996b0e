import { describe, it, jest } from '@jest/globals';
import { driverContract } from 'nestjs-redis-streams/testing';
import { harness } from './harness.js';

jest.setTimeout(20_000);
driverContract({ describe, it }, 'mine', harness);
