"""The texts of the OpenAPI document: how to begin, and fields that many models share."""

INTRODUCTION = """
The JSON API of the booking product. People sign in with a session cookie, programs with an API token.

## From nothing to a booking in eight calls

1. `POST /signup` creates a business and its owner, and signs the owner in. Keep the cookie for the next calls.
   A mail asks to confirm the address, which is needed for invitations and API tokens.
2. `POST /businesses/{slug}/offerings` adds a service: a name and a duration.
3. `POST /businesses/{slug}/providers` adds a provider: a person whose time is booked.
4. `PUT /businesses/{slug}/providers/{provider_id}/offerings` sets the services that the provider performs.
5. `PUT /businesses/{slug}/providers/{provider_id}/weekly-hours` sets the working hours. Weekday 1 is Monday, 7 is
   Sunday; times are local times of the provider.
6. `POST /businesses/{slug}/guests` adds a customer without an account. Customers with one join by
   `POST /businesses/{slug}/customers`.
7. `GET /businesses/{slug}/slots` lists the free start times of a service, exactly those that can be booked.
8. `POST /businesses/{slug}/appointments` books one of them for the customer.

## Conventions

- **Keys.** Each POST that lists the header `Idempotency-Key` requires it: choose a unique value for each write, and
  repeat the write with the same value if the answer was lost. It takes effect once. PUT, PATCH and DELETE need no key.
- **Replace or change.** PUT replaces: a field that is left out gets its default. PATCH changes only the given fields.
- **Times** are instants with a UTC offset, such as `2030-05-06T09:00:00Z`. In a query, write `+` as `%2B`.
- **Lists** in a query are repeated (`statuses=booked&statuses=held`) or separated by commas.
- **Money** is an integer number of minor units and an ISO 4217 code.
- **Pages.** A reply with `next_cursor` has more: send it as `cursor`.
- **Webhooks** post `{"type", "timestamp", "data"}`, signed as Standard Webhooks specifies; verify the header
  `webhook-signature` before you trust the body. `data.appointment` is the appointment as in this API. Deliveries may
  arrive twice (with the same `webhook-id`) and in any order (the newer one has the larger `version`).
- **Errors** are problem details (RFC 9457). Branch on `code`; each operation lists its own codes by status.
""".strip()

SHARED_FIELDS: dict[str, str] = {
    "active": "Whether it can be booked. Inactive ones can still be read.",
    "actor": "Who made the change: `staff:<id>`, `customer:<id>` or `system`.",
    "address": "The postal address.",
    "after": "After this state or time.",
    "amount_minor": "An amount in minor units of the currency.",
    "appointment_id": "The id of the appointment.",
    "appointments": "The appointments.",
    "assignment": "How a provider is chosen for a booking that names none: `round_robin` (assigned least "
    "recently), `weighted` (in proportion to the weights), `most_free` (fewest minutes booked that day), "
    "`collective` (all together).",
    "at": "The time of the change.",
    "attempts": "The number of attempts to deliver it.",
    "began_at": "The time of the login.",
    "before": "The state before the change. Null for a new one.",
    "block_id": "The id of the blocked time.",
    "blocks": "The blocked times.",
    "booked_at": "When it was booked.",
    "buffer_after_minutes": "Minutes after the appointment that stay free for the provider.",
    "buffer_before_minutes": "Minutes before the appointment that stay free for the provider.",
    "business": "The business.",
    "business_id": "The id of the business.",
    "business_name": "The name of the business.",
    "by_day": "Whether to group by day.",
    "cancel_reason": "Why it was cancelled or declined.",
    "cancellation": "Whether to be notified of cancellations.",
    "change": "Whether to be notified of changes.",
    "changes": "The changes.",
    "closes": "The local time at which the range ends.",
    "confirmation": "Whether to be notified of bookings.",
    "conflicts": "The occurrences that cannot be booked.",
    "count": "The number of occurrences.",
    "created_at": "When it was created.",
    "credit_note": "The credit note, if there is one.",
    "credited_minor": "The amount credited, in minor units.",
    "currency": "An ISO 4217 code, for example EUR.",
    "current_password": "The password until now.",
    "cursor": "The `next_cursor` of the previous page.",
    "customer": "The customer.",
    "customer_day": "The maximum for a customer in a day. Null: no limit.",
    "customer_id": "The id of the customer.",
    "customer_week": "The maximum for a customer in a week. Null: no limit.",
    "customers": "The customers.",
    "date": "A local date.",
    "days": "The days.",
    "delivery_id": "The id of the delivery.",
    "description": "A description.",
    "due_minor": "The amount due, in minor units.",
    "duration_minutes": "The duration in minutes.",
    "effective_from": "The first date of a dated schedule.",
    "effective_until": "The last date of a dated schedule. Null: no end.",
    "email": "The e-mail address.",
    "end": "The end of the interval, exclusive.",
    "ends_at": "The end.",
    "entries": "The entries.",
    "entry_id": "The id of the entry.",
    "email_confirmed": "Whether the owner has confirmed the e-mail address.",
    "every": "The unit of the repetition.",
    "expected_version": "The version that the caller has read. The change is refused if it is another one now.",
    "expires_at": "When it expires.",
    "feed_id": "The id of the calendar feed.",
    "first": "The first date.",
    "from_appointment_id": "The first appointment of the series to change.",
    "has_account": "Whether the address has an account.",
    "has_room": "Whether the day has a free start time.",
    "holidays": "The holidays.",
    "import_id": "The id of the imported calendar.",
    "interval": "Every how many units it repeats.",
    "invitation_id": "The id of the invitation.",
    "invitations": "The invitations.",
    "invited_by": "The name of the member who has sent the invitation.",
    "invoice_number": "The number of the invoice.",
    "invoices": "The invoices.",
    "is_operator": "Whether the caller operates the product.",
    "issued_at": "When it was issued.",
    "items": "The services of the visit, in order.",
    "joined_at": "When the customer joined.",
    "kind": "The kind.",
    "last": "The last date, inclusive.",
    "limit": "The maximum number in the reply.",
    "limits": "The maximum number of bookings in a day or a week.",
    "lines": "The lines of the invoice.",
    "members": "The members.",
    "memberships": "The businesses that the caller belongs to.",
    "message_id": "The id of the e-mail.",
    "messages": "The e-mails.",
    "mode": "How the hours differ from the week.",
    "name": "The name.",
    "needs": "The resources that a booking occupies.",
    "new_password": "At least 10 characters.",
    "next_cursor": "The cursor of the next page. Null on the last page.",
    "note": "A note.",
    "number": "The number, without gaps within the business.",
    "offer_minutes": "How long an offer is held, in minutes.",
    "offering_id": "The id of the service.",
    "offering_ids": "The ids of the services.",
    "offering_name": "The name of the service.",
    "offerings": "The services.",
    "on_conflict": "`refuse` books nothing if an occurrence cannot be booked; `skip` books the others.",
    "opens": "The local time at which the range begins.",
    "operation": "The operation.",
    "overbook": "For staff: book although the time is occupied.",
    "overridden": "The rules that staff set aside.",
    "overrides": "The dates on which the hours differ from the week.",
    "paid_minor": "The amount paid, in minor units.",
    "password": "At least 10 characters for a new account.",
    "payment_id": "The id of the payment.",
    "payments": "The payments received.",
    "phone": "The telephone number.",
    "picture_url": "An https address.",
    "policy": "The changes that customers may make.",
    "preferences": "The e-mails that are wanted.",
    "prices": "The prices.",
    "problem": "The error of the last failed attempt.",
    "program": "The program of the login, as it names itself (User-Agent).",
    "provider_day": "The maximum for a provider in a day. Null: no limit.",
    "provider_id": "The id of the provider.",
    "provider_ids": "The ids of the providers.",
    "provider_name": "The name of the provider.",
    "provider_week": "The maximum for a provider in a week. Null: no limit.",
    "providers": "The providers.",
    "quantity": "How many of them.",
    "ranges": "The working ranges.",
    "reason": "The reason.",
    "recorded_at": "When it was recorded.",
    "recurrence": "The repetition.",
    "refund_due_minor": "The amount to be refunded, in minor units.",
    "reminder": "Whether to be reminded a day before.",
    "remove": "Whether to remove the dated schedule.",
    "resource_id": "The id of the resource.",
    "resource_ids": "The resources that it occupies.",
    "resources": "The resources.",
    "role": "The role in the business.",
    "seats": "The number of seats.",
    "secret": "The secret. It is shown only once.",
    "sent_at": "When it was sent.",
    "series_id": "The id of the series.",
    "session_id": "The id of the session.",
    "sessions": "The sessions.",
    "since": "When the person joined.",
    "slots": "The free start times.",
    "slug": "The short name of the business in addresses.",
    "start": "The start of the interval, inclusive.",
    "starts_at": "The start.",
    "state": "The state.",
    "status": "The status.",
    "subject": "What the invoice charges.",
    "token": "The token, without its secret.",
    "token_id": "The id of the token.",
    "tokens": "The API tokens.",
    "total_minor": "The total, in minor units.",
    "user": "The user.",
    "user_id": "The id of the user.",
    "valid_from": "When it starts to apply.",
    "version": "Incremented by every change.",
    "viewer_zone": "The time zone of the days in the reply. Null: the zone of the business.",
    "visit_id": "The id of the visit.",
    "waitlist": "The places on waitlists.",
    "webhook_id": "The id of the webhook.",
    "weekday": "1 is Monday, 7 is Sunday (ISO 8601).",
    "weight": "The share of `weighted` assignments.",
    "window": "How far ahead bookings are possible.",
    "zone": "An IANA time zone.",
}
"""Descriptions of fields whose models give none, by name."""
