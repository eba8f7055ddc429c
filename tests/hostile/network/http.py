# attack: fetches a page
# sandbox: unsupported-import: urllib.request
# control: native connects
import urllib.request

urllib.request.urlopen(f"http://127.0.0.1:{input()}/", timeout=5)
