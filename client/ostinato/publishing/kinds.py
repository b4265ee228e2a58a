"""Which kind of broker there is at a URL."""

from ostinato.publishing.broker_kind import BrokerKind
from ostinato.settings.broker_url import is_rabbit


def kind_of(address: str) -> BrokerKind:
    """The kind of the broker at a URL. Only the library of that kind is loaded."""
    if is_rabbit(address):
        from ostinato.publishing.rabbitmq import RabbitSending  # noqa: PLC0415 - see above

        return RabbitSending()
    from ostinato.publishing.redis import RedisSending  # noqa: PLC0415 - see above

    return RedisSending()
