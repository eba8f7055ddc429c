# attack: starts workers
# sandbox: unsupported-import
# control: native writes child
import multiprocessing


def work():
    with open("child", "w"):
        pass


worker = multiprocessing.get_context("fork").Process(target=work)
worker.start()
worker.join()
