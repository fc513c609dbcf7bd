from datetime import date
import json
import pytest
from analytics import rollup, statistics, serializers, rebuild
from analytics.models import Rollup
from events.metadata import write_json
from events.models import OpenBatch
from tests import make
from tests.analytics.feed import *

@pytest.mark.django_db(transaction=True)
def test_x(shop):
    send(shop, Sent(metadata={"a":1,"b":"x","c":[1,2,"x"],"d":None}), Sent(metadata={"a":"2.5","b":True,"z":{"q":1}}))
    f=field(shop,"a")
    q=statistics.Question(project=shop,event_type=f.event_type,field=f,first=date(2026,3,1),last=date(2026,3,3))
    def show():
        s=statistics.field_statistics(q,now=NOW)
        print(json.dumps(json.loads(write_json(serializers.statistics_json(s,serializers.Shape()))),indent=1)[:1500])
    show()
    print(OpenBatch.objects.values_list())
    print(rollup.roll_up(seconds=5))
    print(OpenBatch.objects.values_list())
    for r in Rollup.objects.all(): print(r, r.count, r.local_date, len(r.summary))
    show()
    days=rebuild.days_of([shop]); print(days)
    print(list(rebuild.check(days))); print(list(rebuild.rebuild(days)))
