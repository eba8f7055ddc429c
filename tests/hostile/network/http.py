# attack: fetches a page
# sandbox: runtime-error: ModuleNotFoundError
# control: native connects
import urllib.request

urllib.request.urlopen(f"http://127.0.0.1:{input()}/", timeout=5)
