"""tonio.sync.channel: messages between tasks."""

import gc
import threading
import unittest
import weakref

import tonio
from scenarios import Scenarios, main
from tonio import sync
from tonio.colored import yield_now
from tonio.sync import channel


class Thing:
    """Something that can be referred to weakly and hold anything."""


def kinds():
    return {"bounded": channel.channel(1000), "unbounded": channel.unbounded()}


class Ends(unittest.TestCase):
    def test_the_module_is_found_both_ways(self):
        from tonio.colored.sync import channel as colored

        self.assertIs(sync.channel, channel)
        self.assertIs(colored.channel, channel.channel)
        self.assertIs(colored.unbounded, channel.unbounded)

    def test_bad_sizes_are_refused(self):
        for error, size in [
            (ValueError, 0),
            (ValueError, -1),
            (ValueError, 2**64),
            (TypeError, 1.0),
            (TypeError, None),
        ]:
            with self.assertRaisesRegex(error, r"channel\(\): n must be"):
                channel.channel(size)
        with self.assertRaises(TypeError):
            channel.channel()

    def test_are_made_by_the_functions_only(self):
        for make in (channel.Sender, channel.UnboundedSender, channel.Receiver):
            with self.assertRaises(TypeError):
                make()

    def test_weak_references(self):
        for pair in kinds().values():
            references = [weakref.ref(end) for end in pair]
            self.assertEqual([reference() for reference in references], list(pair))
            del pair
        self.assertEqual([reference() for reference in references], [None, None])

    def test_close_may_be_called_again_and_on_both(self):
        for sender, receiver in kinds().values():
            for end in (sender, receiver, sender):
                self.assertIsNone(end.close())

    def test_an_unbounded_sender_needs_no_task(self):
        sender, receiver = channel.unbounded()
        for number in range(3):
            self.assertIsNone(sender.send(number))

        async def program():
            return [await receiver.receive() for _ in range(3)]

        self.assertEqual(tonio.run(program()), [0, 1, 2])
        receiver.close()
        with self.assertRaisesRegex(BrokenPipeError, "closed"):
            sender.send(3)


class Messages(Scenarios):
    def test_come_in_order(self):
        sender, receiver = channel.channel(2)

        @self.task
        def produce():
            for number in range(100):
                self.assertIsNone((yield sender.send(number)))
            sender.close()

        handle = tonio.spawn(produce())
        received = []
        while True:
            try:
                received.append((yield receiver.receive()))
            except BrokenPipeError:
                break
        yield handle
        self.assertEqual(received, list(range(100)))

    def test_may_be_anything(self):
        messages = [None, (), (1, 2), StopIteration(3), ValueError("a value"), [], sum]
        sender, receiver = channel.channel(len(messages))
        for message in messages:
            yield sender.send(message)
        for message in messages:
            self.assertIs((yield receiver.receive()), message)

    def test_sending_suspends_while_it_is_full(self):
        sender, receiver = channel.channel(2)
        sent = []

        @self.task
        def produce():
            for number in range(4):
                yield sender.send(number)
                sent.append(number)

        handle = tonio.spawn(produce())
        while len(sent) < 2:
            yield
        for _ in range(20):
            yield
        self.assertEqual(sent, [0, 1])
        self.assertEqual((yield receiver.receive()), 0)
        while len(sent) < 3:
            yield
        for number in (1, 2, 3):
            self.assertEqual((yield receiver.receive()), number)
        yield handle

    def test_receiving_suspends_while_it_is_empty(self):
        for kind, (sender, receiver) in kinds().items():
            handle = tonio.spawn(receiver.receive(), receiver.receive())
            for _ in range(20):
                yield
            for number in (1, 2):
                sending = sender.send(number)
                if kind == "bounded":
                    yield sending
            self.assertEqual(sorted((yield handle)), [1, 2])

    def test_of_many_senders_to_many_receivers_arrive_once(self):
        for kind, (sender, receiver) in {
            "bounded": channel.channel(2),
            "unbounded": channel.unbounded(),
        }.items():
            barrier = sync.Barrier(3)

            @self.task
            def produce(offset, sender=sender, barrier=barrier, kind=kind):
                for number in range(50):
                    sending = sender.send(offset + number)
                    if kind == "bounded":
                        yield sending
                yield barrier.wait()

            @self.task
            def consume(receiver=receiver):
                received = []
                while True:
                    try:
                        received.append((yield receiver.receive()))
                    except BrokenPipeError:
                        return received

            @self.task
            def close(sender=sender, barrier=barrier):
                yield barrier.wait()
                sender.close()

            results = yield tonio.spawn(
                produce(100), produce(200), close(), *[consume() for _ in range(4)]
            )
            received = sorted(number for numbers in results[3:] for number in numbers)
            self.assertEqual(received, [*range(100, 150), *range(200, 250)])

    def test_of_an_operation_that_is_awaited_again_are_sent_again(self):
        sender, receiver = channel.channel(5)
        send, receive = sender.send("message"), receiver.receive()
        yield send
        yield tonio.spawn(send, send)
        for _ in range(3):
            self.assertEqual((yield receive), "message")

    def test_from_threads(self):
        sender, receiver = channel.unbounded()

        def produce():
            for number in range(500):
                sender.send(number)

        threads = [threading.Thread(target=produce) for _ in range(3)]
        for thread in threads:
            thread.start()
        received = []
        for _ in range(1500):
            received.append((yield receiver.receive()))
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(received), sorted(list(range(500)) * 3))


class Close(Scenarios):
    def test_fails_senders_at_once_and_receivers_when_it_is_empty(self):
        for end in (0, 1):
            pair = sender, receiver = channel.channel(3)
            yield sender.send(1)
            yield sender.send(2)
            pair[end].close()
            with self.assertRaisesRegex(BrokenPipeError, "closed"):
                yield sender.send(3)
            self.assertEqual((yield receiver.receive()), 1)
            self.assertEqual((yield receiver.receive()), 2)
            for _ in range(2):
                with self.assertRaisesRegex(BrokenPipeError, "closed"):
                    yield receiver.receive()

    def test_wakes_blocked_receivers(self):
        for sender, receiver in kinds().values():
            waiting = []

            @self.task
            def consume(receiver=receiver, waiting=waiting):
                waiting.append(1)
                with self.assertRaises(BrokenPipeError):
                    yield receiver.receive()

            handle = tonio.spawn(*[consume() for _ in range(5)])
            while len(waiting) < 5:
                yield
            sender.close()
            yield handle

    def test_wakes_blocked_senders_whose_messages_are_not_sent(self):
        sender, receiver = channel.channel(1)
        yield sender.send("first")
        waiting = []

        @self.task
        def produce():
            waiting.append(1)
            with self.assertRaises(BrokenPipeError):
                yield sender.send(Thing())

        handle = tonio.spawn(*[produce() for _ in range(5)])
        while len(waiting) < 5:
            yield
        receiver.close()
        yield handle
        self.assertEqual((yield receiver.receive()), "first")
        with self.assertRaises(BrokenPipeError):
            yield receiver.receive()


class Memory(unittest.TestCase):
    def test_a_channel_releases_what_is_left_in_it(self):
        for sender, receiver in kinds().values():
            things = [Thing() for _ in range(3)]
            references = [weakref.ref(thing) for thing in things]

            def program(sender=sender, things=things):
                while things:
                    sending = sender.send(things.pop())
                    if sending is not None:
                        yield sending
                    del sending
                yield

            tonio.run(program())
            self.assertTrue(all(reference() for reference in references))
            del program, sender, receiver
            gc.collect()
        self.assertEqual([reference() for reference in references], [None] * 3)

    def test_messages_that_are_not_sent_are_released(self):
        sender, _ = channel.channel(1)
        thing = Thing()
        reference = weakref.ref(thing)
        sender.close()

        def program(thing):
            with self.assertRaises(BrokenPipeError):
                yield sender.send(thing)

        tonio.run(program(thing))
        del thing
        gc.collect()
        self.assertIsNone(reference())

    def test_a_cycle_through_the_buffer_is_collected(self):
        def program():
            references = []
            for sender, receiver in kinds().values():
                thing = Thing()
                thing.ends = sender, receiver
                sending = sender.send(thing)
                if sending is not None:
                    yield sending
                references.append(weakref.ref(thing))
            return references

        references = tonio.run(program())
        gc.collect()
        self.assertEqual([reference() for reference in references], [None, None])

    def test_a_cycle_through_an_operation_is_collected(self):
        sender, receiver = channel.unbounded()
        thing = Thing()
        thing.receiving = receiver.receive()
        thing.sending = channel.channel(1)[0].send(thing)
        sender.send(thing)
        sender.send(thing.receiving)
        reference = weakref.ref(thing)
        del sender, receiver, thing
        gc.collect()
        self.assertIsNone(reference())

    def test_collecting_leaves_blocked_senders_and_their_messages_alone(self):
        async def program():
            sender, receiver = channel.channel(1)
            await sender.send(0)
            handle = tonio.spawn(*[sender.send([number]) for number in range(1, 20)])
            for _ in range(30):
                await yield_now()
            gc.collect()
            received = [await receiver.receive() for _ in range(20)]
            await handle
            return received

        received = tonio.run(program(), threads=1)
        self.assertEqual(received, [0, *[[number] for number in range(1, 20)]])

    def test_channels_of_channels_of_channels(self):
        inner = Thing()
        reference = weakref.ref(inner)
        for _ in range(100_000):
            sender, receiver = channel.unbounded()
            sender.send(inner)
            inner = receiver
        del inner, sender, receiver
        gc.collect()
        self.assertIsNone(reference())

    def test_a_message_whose_end_uses_the_channel(self):
        class Last:
            def __del__(self):
                self.sender.send("too late")

        sender, receiver = channel.unbounded()
        last = Last()
        last.sender = sender
        sender.send(last)
        reference = weakref.ref(sender)
        del sender, receiver, last
        gc.collect()
        gc.collect()
        self.assertIsNone(reference())


class Cancelled(unittest.TestCase):
    def end_while(self, left, count=20):
        started = []

        def program():
            tonio.spawn.without_tracking(*[left(started) for _ in range(count)])
            while len(started) < count:
                yield
            yield tonio.sleep(0.002)

        tonio.run(program(), threads=2)

    def test_receivers_take_nothing_with_them(self):
        sender, receiver = channel.unbounded()

        def left(started):
            started.append(1)
            yield receiver.receive()

        self.end_while(left)
        sender.send("message")

        def program():
            return (yield receiver.receive())

        self.assertEqual(tonio.run(program()), "message")

    def test_senders_have_not_sent(self):
        sender, receiver = channel.channel(1)
        references = []

        def left(started):
            thing = Thing()
            references.append(weakref.ref(thing))
            started.append(1)
            yield sender.send(thing)

        def first():
            yield sender.send("first")

        tonio.run(first())
        self.end_while(left)
        gc.collect()
        self.assertEqual([reference() for reference in references], [None] * 20)
        receiver.close()

        def program():
            self.assertEqual((yield receiver.receive()), "first")
            with self.assertRaises(BrokenPipeError):
                yield receiver.receive()

        tonio.run(program())


class GivenUp(unittest.TestCase):
    """Only a coroutine that is driven by hand can be left while it waits."""

    def given_up(self, coroutine, meanwhile):
        """Leaves the coroutine once it waits and `meanwhile` has been called."""
        coroutine.send(None)
        meanwhile()
        yield tonio.sleep(0)
        coroutine.close()

    def test_a_message_that_was_handed_over_is_the_next_to_be_received(self):
        async def receives(receiver):
            await receiver.receive()

        def program():
            sender, receiver = channel.unbounded()
            yield self.given_up(receives(receiver), lambda: [sender.send(1), sender.send(2)])
            self.assertEqual((yield receiver.receive()), 1)
            self.assertEqual((yield receiver.receive()), 2)
            yield self.given_up(receives(receiver), receiver.close)
            with self.assertRaises(BrokenPipeError):
                yield receiver.receive()
            sender, receiver = channel.unbounded()
            yield self.given_up(receives(receiver), lambda: None)
            sender.send(3)
            self.assertEqual((yield receiver.receive()), 3)

        tonio.run(program())

    def test_a_message_that_was_not_taken_is_not_sent(self):
        references = []

        async def sends(sender):
            thing = Thing()
            references.append(weakref.ref(thing))
            await sender.send(thing)

        def program():
            sender, receiver = channel.channel(1)
            yield sender.send(1)
            yield self.given_up(sends(sender), lambda: None)
            self.assertEqual((yield receiver.receive()), 1)
            yield sender.send(2)
            yield self.given_up(sends(sender), receiver.close)
            self.assertEqual((yield receiver.receive()), 2)
            with self.assertRaises(BrokenPipeError):
                yield receiver.receive()

        tonio.run(program())
        gc.collect()
        self.assertEqual([reference() for reference in references], [None, None])


if __name__ == "__main__":
    main()
