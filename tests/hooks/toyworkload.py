"""Programs that use the small framework."""

import toyframework

DATA = [1.0, 2.0, 3.0]
ERROR = ValueError("mine")


def workload():
    optimizer = toyframework.Optimizer()
    optimizer.step()
    model = toyframework.train({"rate": 0.5}, DATA)
    return model.losses, toyframework.Search().fit(DATA).predict(), toyframework.Slow().fit(DATA).predict()


def failing_workload():
    def callback(number, loss):
        if number == 1:
            raise ERROR

    toyframework.train({"rate": 0.5}, DATA, callbacks=[callback])


def fitted():
    return toyframework.Slow().fit(DATA), toyframework.Model().fit(DATA)
