"""localstripe with what it lacks: the rest of the parameters daybridge sends, Stripe's order (newest first), the
amount that a payment intent received, events of charges, their refunds and `invoice.paid`, a subscription's metadata on
its invoices and why each was billed, webhooks up to another two seconds late, and no store in a file that all of them would share. It forgets
what became of a webhook: every event counts as undelivered."""

import asyncio
import random

from localstripe import resources, server, webhooks


def within(created, made):
    bounds = {"gte": lambda bound: made >= bound, "lt": lambda bound: made < bound}
    return all(bounds[name](int(bound)) for name, bound in (created or {}).items())


def lists(cls):
    @classmethod
    def api_list_all(cls, url, created=None, types=None, delivery_success=None, limit=None, starting_after=None):
        found = resources.List(url, limit=limit, starting_after=starting_after)
        every = [value for key, value in resources.store.items() if key.startswith(cls.object + ":")]
        fitting = [one for one in every if within(created, one.created) and (not types or one.type in types)]
        found._list = fitting[::-1]
        return found

    cls._api_list_all = api_list_all


def late(send):
    async def sending(event):
        await asyncio.sleep(random.uniform(0, 2))
        await send(event)

    return sending


def tells(cls, name, kind, of):
    done = getattr(cls, name)

    def telling(self, *args, **kwargs):
        webhooks.schedule_webhook(resources.Event(kind, of(self)))
        return done(self, *args, **kwargs)

    setattr(cls, name, telling)


def refund(cls, create):
    def api_create(**data):
        made = create(**data)
        webhooks.schedule_webhook(resources.Event("charge.refunded", resources.Charge._api_retrieve(made.charge)))
        return made

    cls._api_create = api_create


def of_subscription(invoice, parent=resources.Invoice.parent.fget):
    found = parent(invoice)
    if found:
        subscription = resources.Subscription._api_retrieve(invoice.subscription)
        found["subscription_details"]["metadata"] = subscription.metadata
    return found


def reason(invoice):
    if not invoice.subscription:
        return "manual"
    every = [value for key, value in resources.store.items() if key.startswith("invoice:")]
    first = next((one for one in every if one.subscription == invoice.subscription), invoice)
    return "subscription_create" if first is invoice else "subscription_update"


lists(resources.Event)
lists(resources.PaymentIntent)
resources.PaymentIntent.amount_received = property(lambda self: self.amount if self.status == "succeeded" else 0)
resources.Invoice.parent = property(of_subscription)
resources.Invoice.billing_reason = property(reason, lambda invoice, value: None)
tells(resources.PaymentIntent, "_on_success", "charge.succeeded", lambda intent: intent.latest_charge)
tells(resources.Invoice, "_on_payment_success", "invoice.paid", lambda invoice: invoice)
refund(resources.Refund, resources.Refund._api_create)
webhooks._send_webhook = late(webhooks._send_webhook)
resources.Store.dump_to_disk = lambda self: None
server.start()
