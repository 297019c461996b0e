import { Injectable } from '@nestjs/common';

@Injectable()
export class Warehouse {
  async reserve(orderId: string): Promise<void> {
    throw new Error(`There is no stock for ${orderId}.`);
  }
}

@Injectable()
export class Mailer {
  async send(to: string, template: string): Promise<void> {
    throw new Error(`The mail server refuses ${template} to ${to}.`);
  }
}
